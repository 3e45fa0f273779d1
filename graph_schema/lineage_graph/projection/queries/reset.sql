-- Everything the projection holds, before a rebuild from the journal.
DELETE FROM project;
DELETE FROM cursor;
DELETE FROM producer;
DELETE FROM fact;
DELETE FROM generation;
DELETE FROM usage;
DELETE FROM version;
DELETE FROM run_job_version;
DELETE FROM alias;
DELETE FROM alias_member;
DELETE FROM emitted;
DELETE FROM outbox;
DELETE FROM entity;
DELETE FROM attribute;
DELETE FROM model_version;
DELETE FROM gap;
DELETE FROM client_run;
