// name: schema_image_run
// access: schema
// params: none
// columns: none
// Finds the images of a run.
CREATE INDEX arete_image_run IF NOT EXISTS FOR (image:Image) ON (image.run)
