"""The part of each batch that one of several processes reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Splits batches evenly over processes, and these over their devices.

    A batch that the devices cannot share evenly, such as the last one of an epoch, is
    read whole by every process, so that every device computes all of it.

    Attributes:
        index: The number of this process, from 0.
        processes: The number of processes.
        devices: The number of devices of all processes together.
    """

    index: int
    processes: int
    devices: int

    def is_whole(self, count: int) -> bool:
        """Return whether every process reads all of a batch of `count` images."""
        return count % self.devices != 0

    def rows(self, count: int) -> slice:
        """Return which images of a batch of `count` this process reads."""
        if self.is_whole(count):
            return slice(count)
        each = count // self.processes
        return slice(self.index * each, (self.index + 1) * each)
