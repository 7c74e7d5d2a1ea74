// name: delete_channels
// access: write idempotent
// params: run: string, limit: int
// columns: deleted: int
// Deletes some of a run's channels, once its classes are gone.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WITH channel LIMIT $limit
DETACH DELETE channel
RETURN count(*) AS deleted
