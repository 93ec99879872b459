"""The images, read once per server. No PyTorch is imported here, so that they can be read while it is."""

from fmnist_core.dataset.split import Split, SplitName, data_folder, load_split
from fmnist_core.store.byte_cache import ByteCache

_SPLITS = ByteCache(500_000_000)  # Fashion-MNIST has 55 MB, the largest data that can be used 392


def read_split(name: SplitName) -> Split:
    """The split in use; raises DataError if it cannot be read."""
    folder = data_folder()
    return _SPLITS.get((name, folder), lambda: load_split(name, folder), lambda split: int(split.images.nbytes))
