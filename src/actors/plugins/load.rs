//! Loading, up to the moment at which a plugin is counted among the loaded ones: it is found, trusted, started, asked
//! what it is, and ended again. Any number of loads run at once, beside the actor.

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;

use crate::{
    plugin::{
        self, Checksum, PluginTls,
        builtin::{self, Builtin},
        discover::{self, Candidate, Discovered},
        files::{self, StoredFile},
    },
    workflow::{PluginKey, catalogue::offer},
};

use super::{
    LoadRequest, Loaded, Origin, PluginsError,
    executables::Kept,
    record::Source,
    shared::{Arrival, Shared, StartOf},
};

/// A plugin that may be started.
pub(super) struct Found {
    origin: Origin,
    signed: bool,
    kept: Option<Kept>,
    source: Source,
}

/// Finds what a request means.
pub(super) async fn find(shared: &Shared, request: LoadRequest) -> Result<Found, PluginsError> {
    match request {
        LoadRequest::Upload { name, body, .. } if body.is_empty() && builtin::by_request(&name).is_some() => {
            find_built_in(builtin::by_request(&name), &name)
        }
        LoadRequest::Upload {
            name,
            body,
            signature,
            tls,
        } => {
            let signed = shared.trust.check(&body, signature.as_deref()).await?;
            let (StoredFile { path, checksum }, kept) = shared.executables.store(name, body).await?;
            let tls = tls.map(Arc::new);
            Ok(found_file((path, Some(kept)), checksum, (signed, signature), tls))
        }
        LoadRequest::Path { path, signature, tls } => find_path(shared, path, signature, tls.map(Arc::new)).await,
        LoadRequest::Remote { url } => Ok(find_remote(url)),
        LoadRequest::BuiltIn { name } => find_built_in(builtin::by_request(&name), &name),
    }
}

/// Finds what lies in a directory.
pub(super) async fn find_candidate(shared: &Shared, candidate: Candidate) -> Result<Found, PluginsError> {
    let signature = match candidate.signature {
        Some(path) => Some(read(path).await?),
        None => None,
    };
    find_path(shared, candidate.path, signature, None).await
}

/// Looks into a directory.
pub(super) async fn scan(directory: PathBuf) -> Result<Discovered, PluginsError> {
    Ok(blocking(move || discover::scan(&directory)).await??)
}

/// Finds what was loaded by an earlier process.
pub(super) async fn find_again(shared: &Shared, source: Source) -> Result<Found, PluginsError> {
    match source {
        Source::File {
            path,
            checksum: None,
            signature,
            tls,
        } => find_path(shared, path, signature, tls).await,
        Source::File {
            path,
            checksum: Some(checksum),
            signature,
            tls,
        } => {
            // Counted first: whatever becomes of the load, the file stays for the next one.
            let stored = StoredFile {
                path: path.clone(),
                checksum,
            };
            let kept = shared.executables.reuse(stored);
            let body = read(path.clone()).await?;
            let signed = shared.trust.check(&body, signature.as_deref()).await?;
            Ok(found_file((path, Some(kept)), checksum, (signed, signature), tls))
        }
        Source::Remote { url } => Ok(find_remote(url)),
        Source::BuiltIn(key) => find_built_in(
            builtin::find(Some(key.kind), &key.name, Some(key.version)),
            &key.to_string(),
        ),
    }
}

/// Asks a plugin what it is.
pub(super) async fn describe(shared: &Shared, found: Found) -> Result<Arrival, PluginsError> {
    let config = |key: &PluginKey| shared.published.load().view.config.get(&key.into());
    let mut description = match shared.start_of(&found.origin) {
        StartOf::Launch(launch) => plugin::load(&launch, &config).await?,
        StartOf::BuiltIn(builtin) => builtin.describe(&config(&builtin.key()))?,
    };
    let now = shared.clock.now();
    description.metrics = offer::accept(description.metrics, description.meta.key.version, now)?;
    Ok(Arrival {
        loaded: Loaded {
            description,
            signed: found.signed,
            loaded_at: now,
            origin: found.origin,
        },
        kept: found.kept,
        runner: None,
        source: Some(found.source),
    })
}

/// An executable that was sent along, or is run where it is if it has no checksum to keep to.
fn found_file(
    (path, kept): (PathBuf, Option<Kept>),
    checksum: Checksum,
    (signed, signature): (bool, Option<Bytes>),
    tls: Option<Arc<PluginTls>>,
) -> Found {
    Found {
        source: Source::File {
            path: path.clone(),
            checksum: kept.is_some().then_some(checksum),
            signature,
            tls: tls.clone(),
        },
        origin: Origin::File { path, checksum, tls },
        signed,
        kept,
    }
}

async fn find_path(
    shared: &Shared,
    path: PathBuf,
    signature: Option<Bytes>,
    tls: Option<Arc<PluginTls>>,
) -> Result<Found, PluginsError> {
    let body = read(path.clone()).await?;
    let signed = shared.trust.check(&body, signature.as_deref()).await?;
    let checksum = blocking(move || Checksum::of(&body)).await?;
    Ok(found_file((path, None), checksum, (signed, signature), tls))
}

fn find_remote(url: String) -> Found {
    Found {
        origin: Origin::Remote { url: url.clone() },
        signed: false,
        kept: None,
        source: Source::Remote { url },
    }
}

fn find_built_in(builtin: Option<&'static Builtin>, name: &str) -> Result<Found, PluginsError> {
    let builtin = builtin.ok_or_else(|| PluginsError::NoBuiltIn(name.to_owned()))?;
    Ok(Found {
        origin: Origin::BuiltIn(builtin),
        signed: false,
        kept: None,
        source: Source::BuiltIn(builtin.key()),
    })
}

/// Reads an executable.
pub(super) async fn read(path: PathBuf) -> Result<Bytes, PluginsError> {
    Ok(blocking(move || files::read(&path)).await??)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PluginsError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PluginsError::File(io::Error::other(error)))
}
