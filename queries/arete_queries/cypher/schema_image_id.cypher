// name: schema_image_id
// access: schema
// params: none
// columns: none
// No two images have the same id.
CREATE CONSTRAINT arete_image_id IF NOT EXISTS FOR (image:Image) REQUIRE image.id IS UNIQUE
