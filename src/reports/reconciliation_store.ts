import type { Invariant } from './store.ts';

/** What must hold of imported reports and of what staff made of them. */
export const reconciliationInvariants: readonly Invariant[] = [
  {
    name: 'imported reports are whole',
    guarantee:
      'each imported report has as many lines as it says, all of its own source, and each import is in the audit trail',
    text: `select recon_file.id as report from recon_file
      left join lateral (select count(*) as count, count(*) filter (where recon_line.source <> recon_file.source) as strange
        from recon_line where recon_line.file = recon_file.id) as lines on true
      where lines.count <> rows or lines.strange > 0
      union all
      select coalesce(recon_file.id, recorded.id) from recon_file full join (
        select substr(subject, 8)::bigint as id, actor, details ->> 'sha256' as sha256 from audit_entry where action = 'reconciliation.import'
      ) as recorded on recorded.id = recon_file.id
      where (recorded.actor, recorded.sha256) is distinct from (imported_by, encode(recon_file.sha256, 'hex'))`,
  },
  {
    name: 'resolutions were recorded',
    guarantee:
      'each resolved difference has its entry in the audit trail, by the same person and with the same note, and the other way round',
    text: `select coalesce(recon_difference.id, recorded.id) as difference
      from (select * from recon_difference where resolved_at is not null) as recon_difference full join (
        select substr(subject, 12)::bigint as id, actor, details ->> 'note' as note from audit_entry where action = 'reconciliation.resolve'
      ) as recorded on recorded.id = recon_difference.id
      where (recorded.actor, recorded.note) is distinct from (resolved_by, recon_difference.note)`,
  },
];
