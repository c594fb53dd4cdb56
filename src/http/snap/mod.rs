//! The Snap daemon's interface, versions 1 and 2: plugins and their configuration, the metric catalogue, tasks, and
//! their watch streams.
//!
//! Clients tell answers apart by texts and types, so these are the original's to the byte, odd media types and statuses
//! included; where the original crashes or writes nonsense, the nearest sensible error is answered. The interface has a
//! router of its own ([`route`]), which is asked last: it answers what no other family knows.
//!
//! A request passes [`origin`], [`auth`] and [`route`], in this order; each [`Action`] is one function of [`plugins`],
//! [`upload`], [`settings`], [`metrics`], [`tasks`] or [`watch`].

mod answer;
mod auth;
mod error;
mod json;
mod metrics;
mod origin;
mod parts;
mod plugins;
mod policy;
mod route;
mod settings;
mod tasks;
mod upload;
mod watch;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use bytes::Bytes;

use crate::{base::TimestampNs, workflow::manifest};

use super::{
    Services, body, influx,
    params::{self, Params},
    sse::Closing,
};
use error::SnapError;
use origin::Origin;
use route::{Action, Routed, Version};

/// One request on its way to its answer.
struct Call<'a> {
    request: &'a HttpRequest,
    services: &'a Services,
    version: Version,
    /// The parameters in the path, in their order.
    path: Vec<String>,
    query: Params,
    closing: &'a Closing,
}

/// Adds the routes that are not the original's, whose own ones are behind [`dispatch`].
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes.service(web::resource("/telemetry/metrics").route(web::get().to(published)));
}

/// Answers everything that no other family answers.
pub(super) async fn dispatch(
    request: HttpRequest,
    services: web::Data<Services>,
    closing: web::Data<Closing>,
    payload: web::Payload,
) -> HttpResponse {
    let origin = Origin::of(&request, &services.config.telemetry.allowed_origins);
    let mut response = if auth::admits(&services, &request, &decoded_path(&request)) {
        let mut response = admitted(&request, (&services, &closing), &origin, payload).await;
        if !services.config.telemetry.allowed_origins.is_empty() {
            let preflight = is_preflight(&request, &origin);
            let differs_by = if preflight {
                "Access-Control-Request-Headers"
            } else {
                "Origin"
            };
            response
                .headers_mut()
                .insert(header::VARY, HeaderValue::from_static(differs_by));
        }
        response
    } else {
        auth::refused()
    };
    origin.mark(response.headers_mut());
    response
}

/// `GET /telemetry/metrics`: what the prometheus publisher was given last, in the text format of Prometheus.
async fn published(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    if !auth::admits(&services, &request, request.path()) {
        return auth::refused();
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(services.last_values.render(services.nodes.now()))
}

/// Whether requests of this method change something.
fn changes(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// A browser asks, on behalf of a page that may, what it may send.
fn is_preflight(request: &HttpRequest, origin: &Origin) -> bool {
    request.method() == Method::OPTIONS && matches!(origin, Origin::Allowed(_))
}

async fn admitted(
    request: &HttpRequest,
    (services, closing): (&Services, &Closing),
    origin: &Origin,
    payload: web::Payload,
) -> HttpResponse {
    if is_preflight(request, origin) {
        return HttpResponse::Ok().finish();
    }
    let (version, action, path) = match route::route(request.method().as_str(), &decoded_path(request)) {
        Routed::To(version, action, path) => (version, action, path),
        Routed::Moved(path) => return answer::moved(request.method() == Method::GET, &location(request, &path)),
        Routed::WrongMethod => return influx::plain(StatusCode::METHOD_NOT_ALLOWED, influx::METHOD_NOT_ALLOWED),
        Routed::Nowhere => return influx::plain(StatusCode::NOT_FOUND, influx::NOT_FOUND),
    };
    if changes(request.method()) {
        let why = match (origin.may_change(), auth::may_change(services, request)) {
            (true, true) => None,
            (false, _) => Some("requests of this origin may not change anything"),
            (true, false) => {
                Some("requests of other machines may not change anything without telemetry.password or [auth]")
            }
        };
        if let Some(why) = why {
            return SnapError::new(StatusCode::FORBIDDEN, why).response(version);
        }
    }
    let call = Call {
        request,
        services,
        version,
        path,
        query: params::parse_query(request.query_string()),
        closing,
    };
    match call.act(action, payload).await {
        Ok(response) => response,
        Err(error) => error.response(version),
    }
}

impl Call<'_> {
    async fn act(&self, action: Action, payload: web::Payload) -> Result<HttpResponse, SnapError> {
        match action {
            Action::ListPlugins => Ok(plugins::list(self)),
            Action::GetPlugin => plugins::get(self).await,
            Action::LoadPlugin => upload::load(self, payload).await,
            Action::UnloadPlugin => plugins::unload(self).await,
            Action::GetConfig => settings::get(self),
            Action::SetConfig => settings::set(self, payload).await,
            Action::RemoveConfig => settings::remove(self, payload).await,
            Action::ListMetrics => metrics::list(self),
            Action::ListTasks => Ok(tasks::list(self)),
            Action::GetTask => tasks::get(self),
            Action::CreateTask => tasks::create(self, payload).await,
            Action::StartTask => tasks::start(self).await,
            Action::StopTask => tasks::stop(self).await,
            Action::EnableTask => tasks::enable(self).await,
            Action::ActOnTask => tasks::act(self).await,
            Action::RemoveTask => tasks::remove(self).await,
            Action::WatchTask => watch::watch(self),
        }
    }

    /// The parameter in the path at `position`; empty when the route has none there.
    fn param(&self, position: usize) -> &str {
        self.path.get(position).map_or("", String::as_str)
    }

    /// The address of `path` below the version, as the client reaches this server.
    fn href(&self, path: &str) -> String {
        let connection = self.request.connection_info();
        let version = match self.version {
            Version::V1 => "v1",
            Version::V2 => "v2",
        };
        format!("{}://{}/{version}/{path}", connection.scheme(), connection.host())
    }

    /// The body, with the environment's values in it when that is configured.
    async fn document(&self, payload: web::Payload) -> Result<Bytes, SnapError> {
        let body = body::read(self.request, payload, &self.services.limits).await?;
        if !self.services.config.telemetry.expand_env {
            return Ok(body.bytes.clone());
        }
        let text = String::from_utf8_lossy(&body.bytes);
        Ok(manifest::expand(&text, |name| std::env::var(name).ok()).into())
    }
}

/// The path with its escapes undone; in a path `+` means itself.
fn decoded_path(request: &HttpRequest) -> String {
    let path = request.uri().path();
    let bytes = params::decode(&path.replace('+', "%2B")).map(std::borrow::Cow::into_owned);
    bytes.map_or_else(|| path.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A decoded path as it stands in a URL, with the query of the request.
fn location(request: &HttpRequest, path: &str) -> String {
    let mut location = escape(path, b"-_.~$&+,/:;=@");
    if let Some(query) = request.uri().query() {
        location = location + "?" + query;
    }
    location
}

/// A time in the unit that clients are shown.
fn unix_seconds(time: TimestampNs) -> i64 {
    time.0.div_euclid(1_000_000_000)
}

/// Percent-encodes everything but ASCII letters, digits and `plain`.
fn escape(text: &str, plain: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
