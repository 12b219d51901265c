-- A case-insensitive regular expression for an address in a text, not as a part of a longer address: phone numbers in E.164, with
-- or without the plus; email addresses, also with an encoded @, and after a character that is escaped in JSON, such as \n. Null
-- for other addresses, such as short codes: their text can have another meaning. src/privacy/mentions.ts finds addresses in
-- webhooks, also numbers with separators, which the search index does not find.
create or replace function mention_pattern(address text) returns text
language sql immutable as $$
  select case
    when address ~ '^\+[0-9]{7,}$' then '(?<![0-9])(?:\+|%2B)?' || substr(address, 2) || '(?![0-9])'
    when address like '%@%' then '(?:(?<![[:alnum:]._%+\\-])|(?<=\\[bfnrt\\]))'
      || regexp_replace(regexp_replace(address, '([^[:alnum:]])', '\\\1', 'g'), '\\@([^@]*)$', '(?:@|%40|&#64;|\\\\u0040)\1')
      || '(?![[:alnum:]-]|\.[[:alnum:]])'
  end
$$;
