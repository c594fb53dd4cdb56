//! `POST …/plugins`: a plugin comes as a file with what belongs to it, or as the place where it is.
//!
//! A file is read into memory, within `telemetry.max_plugin_size` and the byte budget of all bodies.

use actix_multipart::{Field, Multipart};
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use bytes::Bytes;
use futures_util::StreamExt;

use crate::{
    actors::LoadRequest,
    base::Reserved,
    plugin::{PluginTls, builtin},
    workflow::gojson,
};

use super::{
    super::body::{self, BodyLimits},
    Call,
    error::SnapError,
    parts::{self, MOST_PARTS, Role},
    plugins,
    route::Version,
};

/// What was sent in parts.
struct Parts(Vec<Part>);

/// A part with what it takes of the budget.
struct Part {
    role: Role,
    file_name: String,
    body: Bytes,
    _reserved: Reserved,
}

/// Loads the plugin of a request.
pub(super) async fn load(call: &Call<'_>, payload: web::Payload) -> Result<HttpResponse, SnapError> {
    let request = call.request;
    if request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(HeaderValue::is_empty)
    {
        let status = match call.version {
            Version::V1 => StatusCode::INTERNAL_SERVER_ERROR,
            Version::V2 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        return Err(SnapError::new(status, "mime: no media type"));
    }
    let media_type = body::media_type(request);
    let loaded = if media_type.starts_with("multipart/") {
        // Held, with what it takes of the budget, until the plugin is loaded.
        let parts = read(call, payload).await?;
        let request = parts.request()?;
        parts.check_files().await?;
        call.services.plugins.load(request).await?
    } else if media_type == "application/json" {
        let uri = uri(call, payload).await?;
        call.services.plugins.load(by_uri(&uri)).await?
    } else {
        // The original says nothing at all, and clients live with it.
        return Ok(HttpResponse::Ok().finish());
    };
    Ok(plugins::created(call, &loaded))
}

impl Parts {
    fn request(&self) -> Result<LoadRequest, SnapError> {
        let tls = self.tls()?;
        let bytes = |role| self.part(role).map(|part| part.body.clone());
        if let Some(uri) = self.text(Role::Uri) {
            return Ok(by_uri(&uri));
        }
        let plugin = self.part(Role::Plugin);
        let plugin = plugin.ok_or_else(|| SnapError::invalid("no plugin in the parts of the request"))?;
        Ok(LoadRequest::Upload {
            name: plugin.file_name.clone(),
            body: plugin.body.clone(),
            signature: bytes(Role::Signature),
            tls,
        })
    }

    /// The files with which the plugin proves who it is; they are on this host already.
    fn tls(&self) -> Result<Option<PluginTls>, SnapError> {
        let (cert, key) = match (self.text(Role::Cert), self.text(Role::Key)) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert, key),
            _ => {
                let text = "Error: TLS setup incomplete - missing one of pair: certificate, key files";
                return Err(SnapError::failed(text));
            }
        };
        let authorities = self.text(Role::Authorities).unwrap_or_default();
        let authorities = authorities.split(':').filter(|path| !path.is_empty());
        Ok(Some(PluginTls {
            cert: cert.into(),
            key: key.into(),
            ca: authorities.map(Into::into).collect(),
        }))
    }

    /// What the parts only name must be on this host.
    async fn check_files(&self) -> Result<(), SnapError> {
        for (role, what) in [(Role::Cert, "certificate"), (Role::Key, "key")] {
            if let Some(path) = self.text(role)
                && !tokio::fs::try_exists(&path).await.unwrap_or(false)
            {
                return Err(SnapError::failed(format!("Error: given {what} file is not available")));
            }
        }
        Ok(())
    }

    fn part(&self, role: Role) -> Option<&Part> {
        self.0.iter().find(|part| part.role == role)
    }

    fn text(&self, role: Role) -> Option<String> {
        self.part(role)
            .map(|part| String::from_utf8_lossy(&part.body).into_owned())
    }
}

/// The value of `uri` in a JSON body; the errors are those of Go's decoder.
async fn uri(call: &Call<'_>, payload: web::Payload) -> Result<String, SnapError> {
    let body = body::read(call.request, payload, &call.services.limits).await?;
    let value = gojson::parse(&body.bytes).map_err(SnapError::failed)?;
    let fields = value.object("map[string]string").map_err(SnapError::failed)?;
    let uri = fields.get("uri").map_or(Ok(""), gojson::Value::string);
    Ok(uri.map_err(SnapError::failed)?.to_owned())
}

/// A URL is a plugin that runs somewhere, the name of a built-in one means that, and everything else is a file.
fn by_uri(uri: &str) -> LoadRequest {
    if uri.starts_with("http://") || uri.starts_with("https://") {
        return LoadRequest::Remote { url: uri.to_owned() };
    }
    if builtin::by_request(uri).is_some() {
        return LoadRequest::BuiltIn { name: uri.to_owned() };
    }
    LoadRequest::Path {
        path: uri.into(),
        signature: None,
        tls: None,
    }
}

async fn read(call: &Call<'_>, payload: web::Payload) -> Result<Parts, SnapError> {
    let most = call.services.config.telemetry.plugins.max_size.as_usize();
    let limits = BodyLimits {
        received: most,
        decompressed: most,
        ..call.services.limits.clone()
    };
    body::in_time(&limits, async { Ok(read_parts(call, payload, &limits).await) }).await?
}

async fn read_parts(call: &Call<'_>, payload: web::Payload, limits: &BodyLimits) -> Result<Parts, SnapError> {
    let compressed = call.request.headers().get("Plugin-Compression");
    let compressed = compressed.is_some_and(|value| value == "gzip");
    let mut found = Vec::with_capacity(MOST_PARTS);
    let mut left = limits.received;
    let mut parts = Multipart::new(call.request.headers(), payload);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(invalid)?;
        let disposition = part.content_disposition();
        let file_name = disposition
            .and_then(|it| it.get_filename())
            .unwrap_or_default()
            .to_owned();
        let role = parts::role(call.version, found.len(), part.name().unwrap_or_default(), &file_name)?;
        let mut reserved = body::reserve(&limits.budget, 0)?;
        let mut body = read_part(&mut part, left, &mut reserved).await?;
        if compressed {
            (body, reserved) = inflate(body, left, reserved).await?;
        }
        left = left.saturating_sub(body.len());
        found.push(Part {
            role,
            file_name,
            body,
            _reserved: reserved,
        });
    }
    Ok(Parts(found))
}

async fn read_part(part: &mut Field, most: usize, reserved: &mut Reserved) -> Result<Bytes, SnapError> {
    let mut body = Vec::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(invalid)?;
        let length = body.len() + chunk.len();
        if length > most {
            return Err(body::too_large().into());
        }
        body::grow(reserved, length)?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Plugins have megabytes: they are decompressed where it holds up nobody.
async fn inflate(compressed: Bytes, most: usize, mut reserved: Reserved) -> Result<(Bytes, Reserved), SnapError> {
    let inflate = move || {
        let inflated = body::inflate(&compressed, most, &mut reserved);
        (inflated, reserved)
    };
    let (inflated, reserved) = web::block(inflate).await.map_err(SnapError::failed)?;
    Ok((inflated?.into(), reserved))
}

fn invalid(error: actix_multipart::MultipartError) -> SnapError {
    SnapError::invalid(format!("unable to read multipart body: {error}"))
}
