"""Where actors live: the actor base, mailboxes, contexts, supervision."""
