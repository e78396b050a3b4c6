//! Subscriptions: which events each waits for.

use async_graphql::Value;

use crate::model::{Model, TypeId};
use crate::plan::subscription::{Payload, Watch, enums, text};
use crate::plan::{Arguments, Error};
use crate::storage::Cause;

/// Name of the subscription to requests of actions: the topic under which they are announced, with the key of the entry point.
pub(super) const CONTROL_ACTION_REQUEST: &str = "ControlActionRequest";

/// The events that a subscription waits for which `@resolver(name:)` declares.
///
/// # Errors
/// A name that nothing answers, or that of a type that the schema does not have.
pub fn subscription(model: &Model, resolver: &str, arguments: &Arguments) -> Result<Watch, Error> {
    let possible = |name: &str| -> Result<Vec<TypeId>, Error> {
        let id = model.type_named(name).ok_or_else(|| Error::NotImplemented(resolver.to_owned()))?;
        Ok(model.node_type(id).possible.clone())
    };
    let created = Watch { cause: Some(Cause::Create), payload: Payload::Reference, ..Watch::default() };
    Ok(match resolver {
        "ThingCreateMutation" => {
            let mut types = possible("ThingInterface")?;
            if let Some(names) = enums(arguments, "onTypes") {
                types.retain(|id| names.contains(&&*model.node_type(*id).name));
            }
            Watch { types: Some(types), ..created }
        }
        "MediaObjectCreateMutation" => of_format(created, possible("MediaObject")?, arguments),
        "VideoObjectCreateMutation" => of_format(created, possible("VideoObject")?, arguments),
        "AudioObjectCreateMutation" => of_format(created, possible("AudioObject")?, arguments),
        "ControlActionMutation" => Watch {
            types: Some(possible("ControlAction")?),
            cause: Some(Cause::Update),
            key: Some(text(arguments, "identifier").unwrap_or_default()),
            ..Watch::default()
        },
        CONTROL_ACTION_REQUEST => Watch {
            types: Some(possible("ControlAction")?),
            topic: Some((CONTROL_ACTION_REQUEST, text(arguments, "entryPointIdentifier").unwrap_or_default())),
            ..Watch::default()
        },
        other => return Err(Error::NotImplemented(other.to_owned())),
    })
}

/// An empty format is as if it were not given.
fn of_format(created: Watch, types: Vec<TypeId>, arguments: &Arguments) -> Watch {
    let format = text(arguments, "encodingFormat").filter(|format| !format.is_empty());
    Watch { types: Some(types), equals: format.map(|format| ("encodingFormat", Value::String(format))), ..created }
}
