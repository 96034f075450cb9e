"""Locked periods: freeze the credits of a period, make them again from the ledger, say why they changed, pay on them.

periods → runs → ledger_cut → rows → lock, replay, diff (causes), statements (incentives). `locked.*` is written by `lock` alone, in one
transaction, and never changed.
"""
