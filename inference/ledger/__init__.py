"""What texts cost: tokens and money by whom they were for, budgets, and proof against the engines' own counters."""
