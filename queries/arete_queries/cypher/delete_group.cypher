// name: delete_group
// access: write idempotent
// params: group: string
// columns: none
// Deletes a group; its classes stay.
MATCH (group:Group {id: $group})
DETACH DELETE group
