"""Data sets, offline: what is here, what lies in two wheels, a generator, a simulation, and readers of the real files.

A data set is a value, `DataSet`: its name, licence, classes, splits, and batches that are made when they are asked
for. `registry.open_set(name, folder)` opens one; `python -m experiments data` lists them and checks a folder. Nothing
is downloaded, and no data set lies in memory as floats: images are uint8, everything else is lists of events.
"""
