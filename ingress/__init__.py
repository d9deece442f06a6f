"""Where requests come in: `subscriber` hears them, `gate` judges them, the broker queues them."""
