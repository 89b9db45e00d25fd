-- before deploy
-- The role the functions run as: it can add to the ledger and to histories, never change or take away.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clo_app') THEN
        CREATE ROLE clo_app LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server was migrated at the same moment
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clo_app;
REVOKE UPDATE, DELETE ON postings, seals, campaign_history, offer_history, consents, cards, statement_credits, credit_results, payout_retries, offsets,
    refund_decisions FROM clo_app;
REVOKE UPDATE, DELETE ON merchants_before, locations_before, aliases_before FROM clo_app;
REVOKE UPDATE, DELETE ON activations, customer_zones, filings, redemption_revisions FROM clo_app;
REVOKE DELETE ON exports, export_parts, export_known FROM clo_app;
REVOKE DELETE ON partner_lines, drops, drop_chunks, merchants, aliases, accounts, reservations, redemptions, refunds_let_go, grants, holdouts,
    offer_versions, budget_requests FROM clo_app;
REVOKE UPDATE, DELETE ON corrections, correction_history, claims, claim_history, claim_findings FROM clo_app;
GRANT UPDATE (state, decided_by, decided_at, decision_reason) ON corrections TO clo_app;
GRANT UPDATE (state, overdue_at, resolution, reason_code, correction_id) ON claims TO clo_app;
REVOKE UPDATE, DELETE ON dead_letter_decisions, drop_replays FROM clo_app;
REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM clo_app;
