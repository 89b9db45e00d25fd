"""The pure fold: terms and history in, outcomes and the reasons why not out. No input or output, no clock."""
