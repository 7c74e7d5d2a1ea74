// name: delete_images
// access: write idempotent
// params: run: string, limit: int
// columns: deleted: int
// Deletes some of a run's images, and with them what they are examples of.
MATCH (image:Image {run: $run})
WITH image LIMIT $limit
DETACH DELETE image
RETURN count(*) AS deleted
