//! Where traces go: the settings that all programs with OpenTelemetry have.

use std::str::FromStr;

use super::Settings;
use super::problem::Problems;
use crate::trace;

/// Unset: nowhere.
pub(super) fn traces(settings: &Settings, problems: &mut Problems) -> Option<trace::Settings> {
    let ratio = ratio(settings, problems);
    let endpoint = settings.otel_exporter_otlp_endpoint.as_deref()?.trim().trim_end_matches('/');
    let uri = axum::http::Uri::from_str(endpoint).ok();
    let is_base = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
            && !endpoint.contains('@')
    });
    if !is_base {
        // Not quoted, since it may hold a password.
        let message = "is no address of a collector: write one such as `http://127.0.0.1:4318`, without a password";
        problems.push("OTEL_EXPORTER_OTLP_ENDPOINT", message);
    }
    let service = settings.otel_service_name.as_deref().map_or("clef", str::trim).to_owned();
    Some(trace::Settings { endpoint: endpoint.to_owned(), service, ratio })
}

fn ratio(settings: &Settings, problems: &mut Problems) -> f64 {
    let Some(text) = settings.otel_traces_sampler_arg.as_deref().map(str::trim) else { return 1.0 };
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            problems
                .push("OTEL_TRACES_SAMPLER_ARG", format!("`{text}` is no part of all traces: write one from 0 to 1"));
            1.0
        }
    }
}
