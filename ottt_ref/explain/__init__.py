"""A page on which one sees every path of a small network's gradients, and which of them each method keeps.

`example` is the network that is shown where none is given, `data` what the library computes for the page, `page` the
page itself, and `live` a server of it on this machine, where the network can be changed. `ottt-ref explain` makes and
serves it.
"""
