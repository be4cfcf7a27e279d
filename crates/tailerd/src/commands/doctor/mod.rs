//! `tailerd doctor`: tries what a server of these settings would use, and says what to mend.
//!
//! Each thing is tried by calls that change nothing lasting: a listing, an object that is written and removed again, a query
//! without tables. Nothing is repaired here, and nothing is made that a server would not make. What stands only in deployed
//! configurations (credentials, buckets without a table in the settings) is not tried.

mod clock;
mod findings;
mod issuer;
mod machine;
mod mail;
mod projects;
mod storages;

use findings::Findings;

use crate::{
    cli::DoctorArgs,
    failure::{Exit, Failure},
    settings,
};

/// Exit code 1 when something will not work.
pub(crate) async fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let settings = settings::load(&args.data)?;
    let mut findings = Findings::new(args.output.json);
    if let Some(folder) = machine::data_folder(&settings, &mut findings) {
        machine::store(&settings, &folder, &mut findings).await;
        machine::warehouse(&settings, &folder, &mut findings).await;
        projects::all(&settings, &folder, &mut findings).await;
        storages::all(&settings, &folder, &mut findings).await;
        issuer::one(&settings, &mut findings).await;
        mail::server(&settings, &mut findings).await;
    }
    Ok(findings.finish())
}
