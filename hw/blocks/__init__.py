"""Parts that know no network: queues, pipeline registers, multipliers, and the payloads that streams carry."""
