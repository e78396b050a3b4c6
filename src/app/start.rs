//! The parts of the server put together, as soon as the database can be reached.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::{Error, Parts, revocation, schema, scopes};
use crate::auth::Authority;
use crate::clock::Clock;
use crate::config::Config;
use crate::graphql::Engine;
use crate::http::{self, Services};
use crate::metrics::Metrics;
use crate::model::{Model, NodeType, Property, PropertyType};
use crate::scope::Catalogue;
use crate::storage::{self, OpenError, RemovedPolicy, Storage};
use crate::trace::Traces;

/// How long clients wait for a database that is being made ready, before they are told to come again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts to reach a database that cannot be reached.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Schema, model, storage, engine, endpoints, in this order.
pub(super) async fn assemble(config: Config, clock: Clock, is_late: &Notify) -> Result<Parts, Error> {
    let model = Arc::new(schema::read(&config.schema)?);
    let traces = config.traces.as_ref().map(Traces::start).transpose()?.map(Arc::new);
    let settings = database(&config);
    let storage = open(&settings, &model, is_late).await?;
    let metrics = config.metrics_address.map(|_| Arc::new(Metrics::new(&http::ROUTES)));
    let mut engine =
        Engine::new(Arc::clone(&model), storage.clone(), config.query_limits.clone(), clock.clone(), new_key)?
            .with_public(config.public_operations)
            .with_metrics(metrics.clone());
    if config.has_audit_table {
        engine = engine.with_audit_table();
    }
    let catalogue = engine.explainer().catalogue();
    let universe = catalogue.scopes().cloned().collect();
    warn_of_keys(catalogue, &config);
    let authority = Arc::new(Authority::new(config.auth, clock)?);
    revocation::start(&authority, &storage).await;
    let engine = Arc::new(engine);
    let warmed = Arc::clone(&engine);
    tokio::spawn(async move { warmed.warm().await });
    let mut services = Services::new(Arc::clone(&engine), Arc::clone(&authority), universe, config.limits)
        .with_public_url(config.public_url.as_deref())
        .with_metrics(metrics.clone())
        .with_traces(traces.clone());
    if !config.has_explorer {
        services = services.without_explorer();
    }
    Ok(Parts { authority, engine, services: Arc::new(services), storage, metrics, traces, example: example(&model) })
}

/// Waits for a database that cannot be reached yet.
async fn open(settings: &storage::Settings, model: &Model, is_late: &Notify) -> Result<Storage, Error> {
    let mut pause = PAUSE_MIN;
    loop {
        let mut opening = pin!(Storage::open(settings, model, RemovedPolicy::Refuse));
        let opened = match tokio::time::timeout(PATIENCE, &mut opening).await {
            Ok(opened) => opened,
            Err(_elapsed) => {
                is_late.notify_one();
                opening.await
            }
        };
        match opened {
            Err(error @ OpenError::Unreachable { .. }) => {
                if pause == PAUSE_MIN {
                    tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the database");
                    is_late.notify_one();
                }
            }
            result => return Ok(result?),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// What looks wrong in the scopes of keys.
pub(super) fn warn_of_keys(catalogue: &Catalogue, config: &Config) {
    // Keys that were made here are for everything, on purpose.
    if config.development_keys.is_some() {
        return;
    }
    let keys = config.auth.keys.iter().map(|key| (&*key.id, &key.scopes));
    for (id, finding) in scopes::findings(catalogue, config.public_operations, keys) {
        tracing::warn!(key.id = id, finding = %finding, kind = finding.kind(), "a key looks wrong");
    }
}

pub(super) fn database(config: &Config) -> storage::Settings {
    storage::Settings {
        url: config.database_url.expose_secret().to_owned(),
        read_url: config.database.read_url.as_ref().map(|url| url.expose_secret().to_owned()),
        connections: config.database.connections,
        acquire_timeout: config.database.acquire_timeout,
        pooler: config.database.pooler,
        statement_timeout: config.statement_timeout,
        notify: config.database_notify,
        ..storage::Settings::default()
    }
}

fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A mutation that can be sent as it is: the creation of a node with a text of its own.
fn example(model: &Model) -> Option<String> {
    let is_text = |property: &&Property| {
        property.ty == PropertyType::String && !property.is_list && !property.is_url && property.column.is_some()
    };
    let text = |ty: &NodeType| ty.property("name").filter(is_text).or_else(|| ty.properties().find(is_text)).cloned();
    let is_free = |ty: &NodeType| ty.properties().all(|property| !property.non_null || property.is_key);
    let objects = || model.objects().map(|(_, ty)| ty).filter(|ty| is_free(ty));
    let ty = objects().find(|ty| &*ty.name == "Person").or_else(|| objects().find(|ty| text(ty).is_some()))?;
    let property = text(ty)?;
    Some(format!("mutation {{ Create{}({}: \"Clara\") {{ {} {} }} }}", ty.name, property.name, ty.key, property.name))
}
