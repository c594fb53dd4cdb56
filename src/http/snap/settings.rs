//! `…/plugins/TYPE/NAME/VERSION/config`: the global configuration of plugins, at each of its levels. An empty type,
//! name or version stands for all.

use actix_web::{HttpResponse, http::StatusCode, web};

use crate::workflow::{
    Config, PluginType,
    config::{self, Address},
};

use super::{Call, answer, error::SnapError, route::Version};

/// The configuration that holds at the address.
pub(super) fn get(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let config = call.services.plugins.config(&address(call)?);
    let form = ("config_plugin_item_returned", "Plugin config item retrieved");
    Ok(answered(call, form, &config))
}

/// Puts settings over those at the address.
pub(super) async fn set(call: &Call<'_>, payload: web::Payload) -> Result<HttpResponse, SnapError> {
    let address = address(call)?;
    let body = call.document(payload).await?;
    let config = config::from_json(&body).map_err(SnapError::invalid)?;
    let merged = call.services.plugins.set_config(&address, config).await?;
    let form = ("config_plugin_item_created", "Plugin config item(s) set");
    Ok(answered(call, form, &merged))
}

/// Removes settings at the address by their names.
pub(super) async fn remove(call: &Call<'_>, payload: web::Payload) -> Result<HttpResponse, SnapError> {
    let address = address(call)?;
    let body = call.document(payload).await?;
    let names = config::names_from_json(&body).map_err(SnapError::invalid)?;
    let left = call.services.plugins.remove_config(&address, &names).await?;
    let form = ("config_plugin_item_deleted", "Plugin config item field(s) deleted");
    Ok(answered(call, form, &left))
}

fn answered(call: &Call<'_>, (kind, message): (&str, &str), config: &Config) -> HttpResponse {
    let body = config::to_json(config);
    match call.version {
        Version::V1 => answer::v1(StatusCode::OK, kind, message, &body),
        Version::V2 => answer::v2(StatusCode::OK, &body),
    }
}

fn address(call: &Call<'_>) -> Result<Address, SnapError> {
    Ok(Address {
        kind: kind(call.param(0))?,
        name: call.param(1).to_lowercase(),
        version: match call.param(2) {
            "" => 0,
            text => number(text)?,
        },
    })
}

/// A type by its name or number.
fn kind(text: &str) -> Result<Option<PluginType>, SnapError> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = match text.parse() {
        Ok(number) => {
            let unknown = || format!("invalid plugin type id given {number}");
            PluginType::from_number(number).ok_or_else(unknown)
        }
        Err(_) => text
            .parse()
            .map_err(|unknown: crate::workflow::plugin::UnknownType| unknown.to_string()),
    };
    found.map(Some).map_err(SnapError::invalid)
}

/// A decimal number of 64 bits, or the text with which Go refuses it.
///
/// # Errors
/// 400 for any other text.
pub(super) fn number(text: &str) -> Result<i64, SnapError> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        SnapError::invalid(format!("strconv.Atoi: parsing {text:?}: {reason}"))
    })
}
