-- Notes that content was erased in this transaction: after the commit, all processes forget the content that they have cached. A
-- process that misses the notification sees that the version has changed (src/privacy/erased-content.ts).
create or replace function note_erasure() returns void
language plpgsql
set search_path from current as $$
begin
  update erased_content set version = version + 1;
  perform pg_notify('content_erased', '');
end $$;
