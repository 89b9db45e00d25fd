"""The ledger: double-entry postings of budgets, cashback payable and payouts. Append-only."""
