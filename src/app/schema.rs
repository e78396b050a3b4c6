//! From where the type definitions are to the model.

use include_dir::{Dir, include_dir};

use super::{Error, SchemaProblems};
use crate::config::SchemaSource;
use crate::model::Model;
use crate::sdl::Sources;
use crate::{model, sdl};

/// The Contributor Environment's, so that the program runs from any folder.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schema");

/// The model, or every problem as a text.
pub(super) fn read(source: &SchemaSource) -> Result<Model, Error> {
    let definitions = sdl::parse(&sources(source)?)
        .map_err(|problems| Error::Schema(SchemaProblems { count: problems.len(), text: problems.to_string() }))?;
    model::build(&definitions).map_err(|problems| {
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Error::Schema(SchemaProblems { count: texts.len(), text: texts.join("\n") })
    })
}

fn sources(source: &SchemaSource) -> Result<Sources, Error> {
    Ok(match source {
        SchemaSource::Folder(folder) => sdl::read_folder(folder)?,
        SchemaSource::BuiltIn => Sources::from_embedded("schema", &BUILT_IN)?,
    })
}
