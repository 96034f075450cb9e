"""Every error that nisba raises on purpose.

::

    NisbaError                 the one to catch
    ├── ConfigError            nisba.toml, a NISBA_* variable or a flag is wrong (exit 2)
    ├── SourceError            an input cannot be read: no such folder, topic or adapter
    │   └── BrokerError        Kafka does not answer, or refuses us
    ├── ContractError          rows do not fit the columns that the next layer expects
    ├── AmountError            an amount or a currency that the books cannot hold
    ├── Refused                an event that becomes a dead letter: its class, and what to do about it
    ├── WarehouseError         the warehouse cannot be opened, migrated or written
    │   ├── LeaseTaken         another process is writing
    │   └── OffsetConflict     somebody else committed these offsets first: nothing was written
    ├── TooManyDeadLetters     the input is mostly refused: stop instead of draining the topic
    ├── CheckFailed            a critical expectation or `nisba verify` found a difference (exit 1)
    └── NotFound               the deal, model, run or row that was asked for does not exist

A message is one sentence: what was found, what was expected, what to do.
All of them survive pickling, because they cross process boundaries in Beam workers.
"""

from __future__ import annotations

__all__ = [
    "AmountError",
    "BrokerError",
    "CheckFailed",
    "ConfigError",
    "ContractError",
    "LeaseTaken",
    "NisbaError",
    "NotFound",
    "OffsetConflict",
    "Refused",
    "SourceError",
    "TooManyDeadLetters",
    "WarehouseError",
]


class NisbaError(Exception):
    """Base of all errors of nisba; `str(error)` is the sentence to show."""


class ConfigError(NisbaError):
    """The configuration is wrong; the message names the key."""


class SourceError(NisbaError):
    """An input cannot be read."""


class BrokerError(SourceError):
    """Kafka does not answer, or refuses us."""


class ContractError(NisbaError):
    """Rows do not fit the columns that the next layer expects."""


class AmountError(NisbaError):
    """An amount or a currency that the books cannot hold; the message says why."""


class Refused(NisbaError):
    """An event that becomes a dead letter: its class, and what to do about it."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(error_class, message)
        self.error_class, self.message = error_class, message

    def __str__(self) -> str:
        return self.message


class WarehouseError(NisbaError):
    """The warehouse cannot be opened, migrated or written."""


class LeaseTaken(WarehouseError):
    """Another process holds the writer's lease."""


class OffsetConflict(WarehouseError):
    """The committed offset is not the one this cycle started from; nothing was written."""

    def __init__(self, topic: str, partition: int, expected: int | None, found: int | None) -> None:
        super().__init__(topic, partition, expected, found)
        self.topic, self.partition, self.expected, self.found = topic, partition, expected, found

    def __str__(self) -> str:
        return (
            f"{self.topic}/{self.partition}: offset {self.expected} was committed when this cycle began, now it is {self.found}; "
            "another process has landed these records: start the cycle again."
        )


class TooManyDeadLetters(NisbaError):
    """Too large a part of the latest records was refused."""

    def __init__(self, refused: int, records: int, limit_pct: float, example: str = "") -> None:
        super().__init__(refused, records, limit_pct, example)
        self.refused, self.records, self.limit_pct, self.example = refused, records, limit_pct, example

    def __str__(self) -> str:
        such = f", such as {self.example}" if self.example else ""
        return (
            f"{self.refused} of the latest {self.records} records are dead letters, more than {self.limit_pct:g} %{such}; "
            "they stay in Kafka: mend the producer, or raise [kafka] dead_letter_limit_pct to take them into the warehouse."
        )


class CheckFailed(NisbaError):
    """A check of the books failed; nothing was published."""


class NotFound(NisbaError):
    """What was asked for does not exist."""
