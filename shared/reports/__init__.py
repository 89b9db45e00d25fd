"""Reports: funnels, budgets, the postings that prove them, and the page that shows them."""
