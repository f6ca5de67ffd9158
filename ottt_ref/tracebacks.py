"""Where an exception was raised, as text: what a report, a file and another process can take."""

import traceback

MOST = 6


def last_frames(error: BaseException, most: int = MOST) -> list[str]:
    """The last frames of the exception's traceback, the innermost at the end: "file:line, in function: source".

    >>> try:
    ...     {}["missing"]
    ... except KeyError as error:
    ...     [frame.rpartition(", in ")[2].partition(":")[0] for frame in last_frames(error)]
    ['<module>']
    """
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}".rstrip(": ") for frame in frames]
