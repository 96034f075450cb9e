-- Grain: one row per refund and credit note, with why it is no adjustment (`problem`), or null.
--
-- Amounts are in the smallest unit that Stripe has for a currency: MGA has none (though ISO 4217 has one), ISK and UGX have
-- hundredths (though ISO 4217 has none). A credit note that was refunded is in the refund already.
-- The deal: the firm's own column, else `deal_of`, else the list of customers, where a customer has one deal in it.
with customers as (
  select customer_id, min(deal_id) as deal_id
  from deal_of_customer
  group by customer_id
  having count(distinct deal_id) = 1
),

claims as (
  select
    'refund' as kind,
    refund.id,
    refund.amount,
    refund.created,
    refund.currency,
    refund.reason,
    refund.status <> 'succeeded' as is_void,
    false as is_refunded,
    refund.metadata as refund_metadata,
    null::varchar as credit_note_metadata,
    refund.columns_deal_id as own_deal_id,
    refund.charge_id,
    null::varchar as invoice_id,
    null::varchar as customer_id
  from refund
  union all
  select
    'credit note',
    id,
    amount,
    created,
    currency,
    reason,
    status = 'void' or voided_at is not null,
    refund_id is not null,
    null,
    metadata,
    columns_deal_id,
    null,
    invoice_id,
    customer_id
  from credit_note
),

joined as (
  select
    claims.*,
    coalesce(
      own_deal_id,
      charge.columns_deal_id,
      invoice.columns_deal_id,
      customer.columns_deal_id,
      json_extract_string(
        case coalesce(split_part(getvariable('deal_of')::varchar, '.metadata.', 1), '')
          when '' then null
          when 'refund' then refund_metadata
          when 'credit_note' then credit_note_metadata
          when 'charge' then charge.metadata
          when 'invoice' then invoice.metadata
          when 'customer' then customer.metadata
          else error('deal_of: expected one such as charge.metadata.deal_id, of refund, credit_note, charge, invoice or customer.')
        end,
        '$."' || coalesce(nullif(split_part(getvariable('deal_of')::varchar, '.metadata.', 2), ''), 'deal_id') || '"'
      ),
      customers.deal_id
    ) as deal_id
  from claims
  left join charge on charge.id = claims.charge_id
  left join invoice on invoice.id = coalesce(claims.invoice_id, charge.invoice_id)
  left join customer on customer.id = coalesce(claims.customer_id, charge.customer_id, invoice.customer_id)
  left join customers on customers.customer_id = coalesce(claims.customer_id, charge.customer_id, invoice.customer_id)
)

select
  kind,
  id,
  nullif(deal_id, '') as deal_id,
  upper(currency) as currency,
  reason,
  instant(if(regexp_full_match(created, '[0-9]{9,10}'), created || '000', created)) as created_at,
  -amount::decimal(38, 9) / power_of_ten(
    case
      when upper(currency) in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
      when upper(currency) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 3
      else 2
    end
  ) as amount,
  case
    when kind = 'refund' and is_void then 'refunds that did not succeed'
    when is_void then 'credit notes that are void'
    when is_refunded then 'credit notes that were refunded: the refund is the adjustment'
    when minor_digits(upper(currency)) is null then kind || 's in a currency that is none'
    when nullif(deal_id, '') is null then kind || 's without a deal'
  end as problem
from joined
