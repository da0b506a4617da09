"""Git as an effect: repositories whose hashes follow from what was asked, and a queue that lands tested trees."""
