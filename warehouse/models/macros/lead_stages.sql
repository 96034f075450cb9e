-- The stages that a lead can come through, in their order: the rank of each is its place.
CREATE OR REPLACE MACRO marts.lead_stages() AS ['inquiry', 'mql', 'sal', 'sql', 'opportunity', 'customer']
