//! The root fields of a mutation: guarded all together, then run one after another, and recorded.

use std::sync::Arc;

use super::{Engine, Operation, Resolved, answered, bad_input, failed, refused, type_name};
use crate::audit;
use crate::auth::Access;
use crate::contributor;
use crate::graphql::Request;
use crate::graphql::trail::Trail;
use crate::model::MutationKind;
use crate::model::api::MUTATION;
use crate::plan::{RootField, mutation};
use crate::storage;

impl Engine {
    /// Asks the guards of all fields, then runs the fields one after another, each in a transaction of its own.
    pub(super) async fn mutate(
        &self,
        operation: &Operation<'_>,
        roots: &[RootField<'_>],
        request: &Request,
        access: Arc<Access>,
    ) -> Vec<Resolved> {
        let name = request.operation_name.as_deref();
        let guarding =
            self.explainer.documents.guard(operation.document, name, &request.variables, Arc::clone(&access));
        let verdicts = guarding.await;
        let trail = Trail::new(request, &access, &self.model, self.clock.now());
        let mut refusals = Vec::new();
        let mut resolved = Vec::with_capacity(roots.len());
        for root in roots {
            let result = if root.name() == "__typename" {
                Resolved::json(type_name(MUTATION))
            } else {
                let refusal = match (verdicts.of(root.response_key), self.may_read(operation, root, &access)) {
                    (Ok(()), Ok(())) => None,
                    (Ok(()), Err(refusal)) => Some(*refusal),
                    (Err(refusal), _) => {
                        let scope = self.model.mutations().get(root.name()).map(|mutation| Arc::clone(&mutation.scope));
                        Some(refused(root, refusal).denying(scope))
                    }
                };
                match refusal {
                    None => self.mutation(operation, root, &trail).await,
                    Some(refusal) => {
                        trail.log_refused(root.name(), refusal.errors.first(), &refusal.denied);
                        if self.has_audit_table {
                            refusals.push(trail.refused(root.name(), refusal.errors.first(), &refusal.denied));
                        }
                        refusal
                    }
                }
            };
            resolved.push(result);
        }
        if !refusals.is_empty()
            && let Err(error) = self.storage.write(audit::write(refusals)).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "refused mutations not recorded");
        }
        resolved
    }

    async fn mutation(&self, operation: &Operation<'_>, root: &RootField<'_>, trail: &Trail<'_>) -> Resolved {
        let planned = match self.model.mutations().get(root.name()).map(|field| &field.kind) {
            Some(MutationKind::Resolver(name)) => contributor::mutation(operation.source, name, root, self.new_key),
            _ => mutation::mutation(operation.source, root, self.new_key),
        };
        let (resolved, outcome, nodes) = match planned {
            Ok(change) => {
                let mut write = change.write;
                if self.has_audit_table {
                    write = write.with(trail.done(root.name(), &change.keys));
                }
                let result = match change.announcement {
                    Some(announcement) => self.storage.write_announced(write, announcement).await,
                    None => self.storage.write(write).await,
                };
                // What is null in the answer against the schema's promise is done all the same.
                let outcome = if result.is_ok() { audit::Outcome::Done } else { audit::Outcome::Failed };
                let resolved = match result {
                    Err(storage::Error::Conflict) => failed(root, &change.conflict, "CONFLICT"),
                    result => answered(root, result, change.null_check.as_ref(), "null"),
                };
                (resolved, outcome, change.keys)
            }
            Err(error) => (bad_input(root, &error), audit::Outcome::Failed, Vec::new()),
        };
        let error = resolved.errors.first().filter(|_| outcome == audit::Outcome::Failed);
        trail.log(root.name(), outcome, error, &nodes);
        resolved
    }
}
