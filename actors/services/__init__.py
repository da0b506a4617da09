"""Board keeper, facilitator, disturbance generator, recorder."""
