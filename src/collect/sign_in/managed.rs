//! Managed identity: Azure hands tokens to what runs on it, by the instance metadata service of a machine or by the
//! endpoint that App Service names in the environment.

use std::env;
use std::time::Duration;

use crate::collect::fault::Fault;
use crate::collect::http::{Answer, Client};
use crate::collect::options::Options;

/// Where every machine of Azure finds its metadata.
const METADATA: &str = "http://169.254.169.254";

/// Azure's own variables.
#[derive(Debug, Default)]
pub struct Environment {
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, where App Service runs it.
    app_service: Option<(String, String)>,
    /// `AZURE_POD_IDENTITY_AUTHORITY_HOST`: what answers in place of the metadata service.
    metadata: Option<String>,
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        Self {
            app_service: env::var("IDENTITY_ENDPOINT").ok().zip(env::var("IDENTITY_HEADER").ok()),
            metadata: env::var("AZURE_POD_IDENTITY_AUTHORITY_HOST").ok(),
        }
    }
}

/// Asks whichever there is.
pub fn ask(options: &Options, environment: &Environment) -> Result<Answer, Fault> {
    let mut client = Client::direct(options.times.request_timeout().min(Duration::from_secs(10)));
    let identity = match options.client_id.as_str() {
        "" => String::new(),
        id => format!("&client_id={id}"),
    };
    let resource = format!("resource={}{identity}", options.graph_url);
    let (url, header) = match &environment.app_service {
        Some((endpoint, header)) => {
            if endpoint.starts_with("https:") {
                client = Client::new(options.ca_file.as_deref(), options.times.request_timeout())?;
            }
            (format!("{endpoint}?api-version=2019-08-01&{resource}"), ("X-IDENTITY-HEADER", &**header))
        }
        None => {
            let host = environment.metadata.as_deref().unwrap_or(METADATA).trim_end_matches('/');
            (
                format!("{host}/metadata/identity/oauth2/token?api-version=2018-02-01&{resource}"),
                ("Metadata", "true"),
            )
        }
    };
    client.get(&url, &[header]).map_err(|fault| Fault {
        message: format!(
            "{}; a managed identity is there on Azure only, where one is assigned",
            fault.message
        ),
        ..fault
    })
}
