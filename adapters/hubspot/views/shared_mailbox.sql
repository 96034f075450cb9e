-- Grain: one row per address that is no person's, or beginning of addresses up to the `@`.
select lower(trim(value)) as mailbox
from list_shared_mailboxes
