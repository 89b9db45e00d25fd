"""The wiring table: every function, what triggers it, what it emits, who may call it, how it scales. One of the two wiring screens.

A route is "METHOD path operation scope [status]"; the operation is the use case of that name in the function's service module.
"""

from events import files as f
from events import payloads as p
from events import told as t
from functions.wiring import MIB, Function, Scale, routes
from shared.kernel.wire import Wire

MONEY = Scale(least=1, most=20, cpu="1", memory="512Mi", timeout_seconds=120)
FILES = Scale(concurrency=1, most=20, cpu="1", memory="512Mi", timeout_seconds=600)
EXPORTS = Scale(concurrency=1, most=20, cpu="1", memory="1Gi", timeout_seconds=600)
LONG = Scale(timeout_seconds=120)
STORES_TELL = ("google.cloud.storage.object.v1.", "dev.knative.connector.event.aws-sqs", "com.amazon.sqs.message", "aws.sqs.message")
"""What object stores tell of new objects with: Eventarc, and the sources of Knative, old and new, that read a queue of Amazon."""

# fmt: off
FUNCTIONS: tuple[Function, ...] = (
    Function(name="manage_campaigns", service="shared.campaigns.service", emits=(p.CampaignWentLive, p.CampaignEnded), routes=routes("""
        POST /v1/campaigns                                    create_campaign          campaigns:write    201
        GET  /v1/campaigns                                    list_campaigns           campaigns:read
        GET  /v1/campaigns/{campaign_id}                      get_campaign             campaigns:read
        POST /v1/campaigns/{campaign_id}/budget-requests      request_budget           campaigns:write    201
        GET  /v1/campaigns/{campaign_id}/budget-requests      list_budget_requests     campaigns:read
        POST /v1/campaigns/{campaign_id}/approve              approve_budget           campaigns:approve
        POST /v1/campaigns/{campaign_id}/reject               reject_budget            campaigns:approve
        POST /v1/campaigns/{campaign_id}/schedule             schedule_campaign        campaigns:write
        POST /v1/campaigns/{campaign_id}/pause                pause_campaign           campaigns:write
        POST /v1/campaigns/{campaign_id}/resume               resume_campaign          campaigns:write
        POST /v1/campaigns/{campaign_id}/cancel               cancel_campaign          campaigns:write
        GET  /v1/campaigns/{campaign_id}/history              campaign_history         campaigns:read
    """)),
    Function(name="manage_offers", service="shared.offers.service", emits=(p.OfferApproved, p.OfferTurnedDown), routes=routes("""
        POST /v1/offers                                       create_offer             offers:write       201
        GET  /v1/offers                                       list_offers              offers:read
        GET  /v1/offers/validation-rules                      list_validation_rules    offers:read
        GET  /v1/offers/{offer_id}                            get_offer                offers:read
        POST /v1/offers/{offer_id}/versions                   create_version           offers:write       201
        GET  /v1/offers/{offer_id}/versions                   list_versions            offers:read
        GET  /v1/offers/{offer_id}/diff                       diff_versions            offers:read
        POST /v1/offers/{offer_id}/submit                     submit_offer             offers:write
        POST /v1/offers/{offer_id}/approve                    approve_offer            offers:approve
        POST /v1/offers/{offer_id}/request-changes            request_changes          offers:approve
        POST /v1/offers/{offer_id}/reject                     reject_offer             offers:approve
        POST /v1/offers/{offer_id}/withdraw                   withdraw_offer           offers:write
        GET  /v1/offers/{offer_id}/history                    offer_history            offers:read
    """)),
    Function(name="manage_audiences", service="shared.audiences.desk", emits=(p.HistoriesChanged, p.CardsChanged), routes=routes("""
        POST /v1/customers                                    put_customers            audiences:write
        GET  /v1/customers/{customer_id}                      get_customer             audiences:read
        DELETE /v1/customers/{customer_id}                    erase_customer           audiences:erase
        POST /v1/cards                                        put_cards                audiences:write
        GET  /v1/cards/{card_token}                           get_card                 audiences:read
        POST /v1/segments                                     create_segment           audiences:write    201
        GET  /v1/segments                                     list_segments            audiences:read
        POST /v1/segments/members                             put_members              audiences:write
        POST /v1/segments/estimate                            estimate_audience        audiences:read
        GET  /v1/segments/{segment_id}                        get_segment              audiences:read
        POST /v1/grants                                       issue_grants             audiences:write    201
        PUT  /v1/grants                                       put_grants               audiences:write
        GET  /v1/grants                                       list_grants              audiences:read
    """)),
    Function(name="manage_merchants", service="shared.merchants.service", emits=(p.PlacesTold,), routes=routes("""
        POST /v1/merchants                                    put_merchants            merchants:write
        GET  /v1/merchants/{merchant_id}                      get_merchant             merchants:read
    """)),
    Function(name="serve_offers", service="shared.audiences.wallet", emits=(p.HistoriesChanged,), routes=routes("""
        GET  /v1/customers/{customer_id}/offers                      list_customer_offers   wallet:read
        POST /v1/customers/{customer_id}/offers/{grant_id}/activate  activate_offer         wallet:activate
    """)),
    Function(name="check_eligibility", service="shared.redemptions.eligibility", scale=Scale(concurrency=32, least=1), routes=routes("""
        POST /v1/eligibility                                  check_eligibility        eligibility:read
    """)),
    Function(name="log_impressions", service="shared.impressions.service", emits=(p.ImpressionsLogged,), routes=routes("""
        POST /v1/impressions                                  log_impressions          impressions:write  207
    """)),
    Function(name="post_transactions", service="shared.redemptions.intake", emits=(p.TransactionsPosted,), body_limit=5 * MIB,
             routes=routes("""
        POST /v1/transactions                                 post_transactions        transactions:write 207
    """)),
    Function(name="manage_refunds", service="shared.redemptions.unmatched", emits=(p.RedemptionsRecorded, p.HistoriesChanged),
             routes=routes("""
        GET  /v1/refunds/unmatched                            list_unmatched           refunds:read
        GET  /v1/refunds/unmatched/totals                     count_unmatched          refunds:read
        POST /v1/refunds/{transaction_id}/match               match_refund             refunds:match
        POST /v1/refunds/{transaction_id}/close               close_refund             refunds:match
    """)),
    Function(name="manage_corrections", service="shared.corrections.service", emits=(p.RedemptionsRecorded, p.HistoriesChanged),
             scale=LONG, routes=routes("""
        POST /v1/corrections/forced-redemptions               request_forced_redemption corrections:write  201
        POST /v1/corrections/adjustments                      request_adjustment       corrections:write  201
        GET  /v1/corrections                                  list_corrections         corrections:read
        GET  /v1/corrections/{correction_id}                  get_correction           corrections:read
        POST /v1/corrections/{correction_id}/approve          approve_correction       corrections:approve
        POST /v1/corrections/{correction_id}/reject           reject_correction        corrections:approve
    """)),
    Function(name="manage_claims", service="shared.claims.service", routes=routes("""
        POST /v1/claims                                       open_claim               claims:write       201
        GET  /v1/claims                                       list_claims              claims:read
        GET  /v1/claims/{claim_id}                            get_claim                claims:read
        POST /v1/claims/{claim_id}/review                     review_claim             claims:resolve
        POST /v1/claims/{claim_id}/accept                     accept_claim             claims:resolve
        POST /v1/claims/{claim_id}/reject                     reject_claim             claims:resolve
        POST /v1/claims/{claim_id}/withdraw                   withdraw_claim           claims:write
    """)),
    Function(name="report_campaigns", service="shared.reports.service", routes=routes("""
        GET  /v1/campaigns/{campaign_id}/report               campaign_report          reports:read
        GET  /v1/campaigns/{campaign_id}/ledger               campaign_ledger          ledger:read
        GET  /v1/campaigns/{campaign_id}/ledger.csv           sealed_ledger            ledger:read
        GET  /v1/redemptions                                  list_redemptions         reports:read
        GET  /v1/unknown-cards                                list_unknown_cards       reports:read
        GET  /v1/ledger/trial-balance                         trial_balance            ledger:read
    """)),
    Function(name="intake_offers", service="shared.aggregators.offers", scale=LONG, routes=routes("""
        POST /v1/partners/{partner}/offers                    put_partner_offers       partner-offers:write
        GET  /v1/partners/{partner}/offers/{reference}        get_partner_offer        partner-offers:read
    """)),
    Function(name="manage_reconciliation", service="shared.reconciliation.service", scale=LONG, routes=routes("""
        POST /v1/partners/{partner}/redemptions               put_partner_redemptions  reconciliation:write
        POST /v1/partners/{partner}/settlement                put_settlement           reconciliation:write
        GET  /v1/reconciliation                               reconcile                reconciliation:read
        GET  /v1/reconciliation.csv                           reconcile_csv            reconciliation:read
    """)),
    Function(name="take_merchants", service="shared.merchants.service", emits=(p.PlacesTold,), scale=LONG,
             consumes={t.MerchantsTold: "put_merchants"}),
    Function(name="take_customers", service="shared.audiences.customers", emits=(p.HistoriesChanged, p.CardsChanged), scale=LONG,
             consumes={t.CustomersTold: "put_customers"}),
    Function(name="manage_dead_letters", service="shared.platform.letters.service", routes=routes("""
        GET  /v1/dead-letters                                 list_dead_letters        dead-letters:read
        GET  /v1/dead-letters/{letter_id}                     get_dead_letter          dead-letters:read
        POST /v1/dead-letters/{letter_id}/redrive             redrive_dead_letter      dead-letters:write
        POST /v1/dead-letters/{letter_id}/discard             discard_dead_letter      dead-letters:write
    """)),
    Function(name="launch_offer", service="shared.offers.launch", emits=(p.OfferWentLive,),
             consumes={p.CampaignWentLive: "launch_campaign", p.OfferApproved: "launch_approved"}),
    Function(name="build_audience", service="shared.audiences.launch", emits=(p.OfferRolledOut, p.HistoriesChanged), scale=LONG,
             consumes={p.OfferWentLive: "build_audience"}),
    Function(name="redeem_cashback", service="shared.redemptions.service", scale=MONEY,
             emits=(p.RedemptionsRecorded, p.TransactionsPosted, p.HistoriesChanged, p.CardsChanged, p.PlacesTold),
             consumes={p.TransactionsPosted: "redeem", p.TransactionsWithdrawn: "withdraw", p.HistoriesChanged: "refold",
                       p.CardsChanged: "attribute", p.PlacesTold: "complete"}),
    Function(name="pay_cashback", service="shared.redemptions.payout", emits=(p.StatementCreditsInstructed,), scale=MONEY,
             consumes={p.RedemptionsRecorded: "pay_recorded", p.PayoutsDue: "pay_due"}),
    Function(name="manage_payouts", service="shared.redemptions.payout_results", emits=(p.PayoutsDue, p.HistoriesChanged), scale=MONEY,
             routes=routes("""
        POST /v1/payouts/results                              put_payout_results       payouts:write
        GET  /v1/payouts/waiting                              list_waiting_payouts     payouts:read
        POST /v1/payouts/{redemption_id}/retry                retry_payout             payouts:write      202
    """)),
    Function(name="count_impressions", service="shared.impressions.service", consumes={p.ImpressionsLogged: "count_impressions"}),
    Function(name="manage_files", service="shared.files.desk", emits=(f.FileDropped, f.ChunkReady, f.FileStepDone), routes=routes("""
        GET  /v1/files                                        list_files               files:read
        POST /v1/files                                        note_drop                files:write        202
        GET  /v1/files/{drop_id}                              get_file                 files:read
        POST /v1/files/{drop_id}/replay                       replay_file              files:write        202
    """)),
    Function(name="receive_file", service="shared.files.receiving", scale=FILES,
             emits=(f.FileDropped, f.ChunkReady, f.FileStepDone, f.FileClosed),
             consumes={f.FileDropped: "receive_file"}, notices=dict.fromkeys(STORES_TELL, "note_objects")),
    Function(name="process_chunk", service="shared.files.chunks", scale=FILES, consumes={f.ChunkReady: "process_chunk"},
             emits=(p.TransactionsPosted, p.HistoriesChanged, p.CardsChanged, p.PlacesTold, f.FileStepDone)),
    Function(name="close_file", service="shared.files.closing", emits=(f.ChunkReady, f.FileStepDone, f.FileClosed), scale=LONG,
             consumes={f.FileStepDone: "close_file"}),
    Function(name="fill_lake", service="shared.files.filling", scale=LONG,
             consumes={p.TransactionsPosted: "keep_transactions", p.ImpressionsLogged: "keep_impressions"}),
    Function(name="compact_lake", service="shared.files.compaction", scale=FILES, consumes={f.LakeScattered: "compact"}),
    Function(name="manage_exports", service="shared.exports.desk", emits=(f.ExportPlanned, f.ExportMoved), routes=routes("""
        GET  /v1/exports                                      list_exports             exports:read
        POST /v1/exports                                      ask_export               exports:write      202
        GET  /v1/exports/{export_id}                          get_export               exports:read
        POST /v1/exports/{export_id}/withdraw                 withdraw_export          exports:write
    """)),
    Function(name="export_file", service="shared.exports.service", scale=EXPORTS,
             emits=(f.ExportPartReady, f.ExportPartsDone, f.ExportMoved),
             consumes={f.ExportPlanned: "split_export", f.ExportPartReady: "write_part", f.ExportPartsDone: "finish_export",
                       f.FileDropped: "take_answer"}),
    Function(name="run_schedule", service="shared.schedule.service", scale=Scale(most=1),
             emits=(p.CampaignWentLive, p.CampaignEnded, p.OfferWentLive, p.TransactionsPosted, p.CardsChanged, p.HistoriesChanged,
                    p.PayoutsDue, f.ExportPlanned, f.ExportMoved, f.LakeScattered),
             consumes={p.ScheduleTicked: "run_schedule"}),
    Function(name="store_dead_letter", service="shared.platform.letters.service", keeps_letters="store_dead_letter"),
)
# fmt: on

BY_NAME = {function.name: function for function in FUNCTIONS}
SINK = next(function.name for function in FUNCTIONS if function.keeps_letters)
"""The function that keeps dead letters."""


def consumers_of(payload: type[Wire]) -> tuple[str, ...]:
    """The functions that an event goes to, by name."""
    return tuple(function.name for function in FUNCTIONS if payload in function.consumes)
