"""The conformance kit: cases against which the authors of other backends check them.

    ottt-ref cases export DIR        the cases as files, for any language (`files` says of what kind)

`specifications` says which cases there are, `reference` computes what is expected, `files` writes and reads them.
"""
