"""Pictures for the README, the documentation and lectures, each drawn from numbers that the library computes.

A picture is a module: `measure(seed)` asks the library and gives plain data, `draw(data)` makes the matplotlib figure
of them, and CAPTION says what is seen, with its sources. `style` has colours, dashes and what else they share.
"""
