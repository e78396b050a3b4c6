//! The published schema in the engine, which parses, validates and guards against it. Resolves no data.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, FieldValue, InputValue, Interface, InterfaceField, Object, ResolverContext,
    Scalar, Schema, SchemaBuilder, SchemaError, Subscription, SubscriptionField, SubscriptionFieldFuture, TypeRef,
    Union,
};
use async_graphql::{Guard, Name, Value};
use futures_util::stream;

use super::response::GraphqlError;
use crate::auth::RequireScope;
use crate::model::Model;
use crate::model::api::{Api, ApiField, ApiInput, ApiKind, ApiType, ApiTypeRef, MUTATION, QUERY, SUBSCRIPTION};

/// What the guards of one operation said: a verdict for each response key whose guard was called.
#[derive(Debug, Default, Clone)]
pub(super) struct Verdicts(Arc<Mutex<Vec<Verdict>>>);

/// A response key, and the refusal if there is one.
type Verdict = (Name, Option<Box<GraphqlError>>);

impl Verdicts {
    fn record(&self, key: Name, refusal: Option<Box<GraphqlError>>) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((key, refusal));
    }

    /// The verdict on a root field; a field whose guard was not called is refused.
    pub(super) fn of(&self, key: &Name) -> Result<(), Option<Box<GraphqlError>>> {
        let verdicts = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match verdicts.iter().find(|(known, _)| known == key) {
            Some((_, None)) => Ok(()),
            Some((_, Some(refusal))) => Err(Some(refusal.clone())),
            None => Err(None),
        }
    }
}

/// Registers every published type.
pub(super) fn build(model: &Model, extend: impl FnOnce(SchemaBuilder) -> SchemaBuilder) -> Result<Schema, SchemaError> {
    let api = model.api();
    let mut builder =
        Schema::build(QUERY, api.has_mutations.then_some(MUTATION), api.has_subscriptions.then_some(SUBSCRIPTION));
    for ty in api.types.values().filter(|ty| !ty.name.starts_with("__")) {
        builder = register(builder, model, ty);
    }
    extend(builder).disable_suggestions().limit_directives(10).finish()
}

fn register(builder: SchemaBuilder, model: &Model, ty: &ApiType) -> SchemaBuilder {
    let name = &*ty.name;
    match &ty.kind {
        ApiKind::Scalar if matches!(name, "Boolean" | "Float" | "ID" | "Int" | "String") => builder,
        // Input objects are checked by `validation` and `plan::input` to their last field; the engine need not hold them all.
        ApiKind::Scalar | ApiKind::Input(_) => builder.register(Scalar::new(name)),
        ApiKind::Enum(values) => builder.register(
            values.iter().fold(Enum::new(name), |registered, value| registered.item(EnumItem::new(&*value.name))),
        ),
        ApiKind::Interface { implements, fields, .. } => {
            let interface =
                implements.iter().fold(Interface::new(name), |interface, parent| interface.implement(&**parent));
            let interface = fields.values().fold(interface, |interface, field| {
                let registered =
                    InterfaceField::new(&*field.name, type_ref(validated_type(model.api(), implements, field)));
                interface.field(field.arguments.iter().map(input_value).fold(registered, InterfaceField::argument))
            });
            builder.register(interface)
        }
        ApiKind::Union(possible) => {
            builder.register(possible.iter().fold(Union::new(name), |union, ty| union.possible_type(&**ty)))
        }
        ApiKind::Object { fields, .. } if name == SUBSCRIPTION => builder.register(
            fields.values().fold(Subscription::new(name), |root, field| root.field(subscription_field(field))),
        ),
        ApiKind::Object { implements, fields } => {
            let object = implements.iter().fold(Object::new(name), |object, interface| object.implement(&**interface));
            builder.register(fields.values().fold(object, |object, field| {
                let ty = type_ref(validated_type(model.api(), implements, field));
                let registered = match model.mutations().get(&field.name) {
                    Some(mutation) if name == MUTATION => {
                        guarded(field, ty, RequireScope { scope: Arc::clone(&mutation.scope) })
                    }
                    _ => Field::new(&*field.name, ty, |_| FieldFuture::Value(None)),
                };
                object.field(field.arguments.iter().map(input_value).fold(registered, Field::argument))
            }))
        }
    }
}

/// A mutation field: resolving it asks the guard and does nothing else.
fn guarded(field: &ApiField, ty: TypeRef, guard: RequireScope) -> Field {
    Field::new(&*field.name, ty, move |context: ResolverContext<'_>| {
        let guard = guard.clone();
        FieldFuture::new(async move {
            let refusal = guard
                .check(context.ctx)
                .await
                .err()
                .map(|error| Box::new(GraphqlError::from_guard(error, context.ctx.item.pos)));
            if let Ok(verdicts) = context.ctx.data::<Verdicts>() {
                verdicts.record(context.ctx.item.node.response_key().node.clone(), refusal);
            }
            Ok(None::<FieldValue<'_>>)
        })
    })
}

/// Subscriptions are validated here and never run here.
fn subscription_field(field: &ApiField) -> SubscriptionField {
    let registered = SubscriptionField::new(&*field.name, type_ref(&field.ty), |_| {
        SubscriptionFieldFuture::new(async { Ok(stream::empty::<async_graphql::Result<Value>>()) })
    });
    field.arguments.iter().map(input_value).fold(registered, SubscriptionField::argument)
}

/// The type that documents are validated against: the interface's where the object narrows it.
///
/// The engine refuses a legal covariant field (async-graphql 7.2, dynamic/check.rs has the direction reversed). The published type
/// is the true one.
fn validated_type<'a>(api: &'a Api, implements: &[Arc<str>], field: &'a ApiField) -> &'a ApiTypeRef {
    let inherited =
        implements.iter().find_map(|interface| api.field(interface, &field.name).map(|inherited| &inherited.ty));
    inherited.filter(|inherited| **inherited != field.ty).unwrap_or(&field.ty)
}

fn input_value(input: &ApiInput) -> InputValue {
    let value = InputValue::new(&*input.name, type_ref(&input.ty));
    match &input.default {
        Some(default) => value.default_value(default.clone()),
        None => value,
    }
}

fn type_ref(ty: &ApiTypeRef) -> TypeRef {
    match ty {
        ApiTypeRef::Named(name) => TypeRef::Named(Cow::Owned(name.to_string())),
        ApiTypeRef::List(inner) => TypeRef::List(Box::new(type_ref(inner))),
        ApiTypeRef::NonNull(inner) => TypeRef::NonNull(Box::new(type_ref(inner))),
    }
}
