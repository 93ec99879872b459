"""Data files are not trusted: their size is limited, and whatever is wrong with one becomes a sentence about it."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fmnist_core.dataset.classes import DataError
from fmnist_core.store.files import open_regular

MAX_IMAGES = 250_000  # four times Fashion-MNIST's training images; they take 196 MB


@contextmanager
def open_data(file: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """Opens a regular file of at most this size for reading.

    Raises:
        DataError: if it cannot be opened or is larger, or if anything but a DataError is raised while it is open; the message names the
            file and says what to do.
    """
    with one_sentence(file), open_regular(file) as opened:
        size = file_size(opened)
        if size > max_bytes:
            limit = f"{max_bytes / 1e6:,.0f} MB, the most that {MAX_IMAGES:,} images can take"
            raise DataError(f"{file} has {size / 1e6:,.0f} MB, more than {limit}: choose a file with fewer images.")
        yield opened


def file_size(opened: BinaryIO) -> int:
    """The size of an open file in bytes; it is positioned at its start afterwards."""
    size = opened.seek(0, 2)
    opened.seek(0)
    return size


@contextmanager
def one_sentence(path: Path) -> Iterator[None]:
    """Raises a DataError about this file or folder in place of any other exception."""
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory: close other programs, or choose a file with fewer images.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: copy it again from a good source.") from error
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist: put the file there or choose another folder.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path} cannot be read ({reason}): check its name and permissions, or choose another.") from error
    except Exception as error:
        raise DataError(f"{path} cannot be used ({type(error).__name__}): copy it again from a good source.") from error
