//! What the programs of the load comparison share.

pub mod graph;

use std::path::Path;

use clef::model::Model;

/// The model of the schema that comes with Clef.
///
/// # Errors
///
/// When the schema folder is not as it was committed.
pub fn model() -> Result<Model, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    let sources = clef::sdl::read_folder(folder).map_err(|error| error.to_string())?;
    let definitions = clef::sdl::parse(&sources).map_err(|problems| problems.to_string())?;
    clef::model::build(&definitions)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
