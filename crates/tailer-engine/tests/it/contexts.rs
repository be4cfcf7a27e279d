//! Contexts: what is deployed with them, what their versions mean, and what is refused.

use serde_json::{Value, json};
use tailer_engine::{DeployedContext, EngineError, LaunchRequest};

use crate::support::*;

const NAME: &str = "000099_base";

fn base(rows: i64) -> Value {
    context(
        "base",
        json!({
            "rows": {"value": rows, "type": "integer"},
            "dataset": {"value": "d", "type": "string"},
            "password": {"value": {"cipher_aes": "aa", "tag": "bb"}, "type": "object"},
        }),
    )
}

/// One table with as many rows as the constant says.
const SQL: (&str, &str) = ("rows.sql", "SELECT n FROM UNNEST(GENERATE_ARRAY(1, {{rows}})) AS n");

fn operation(id: &str) -> Value {
    let mut operation = sql_tasks(id, &[], &[("t", "rows.sql", "critical")]);
    operation["default_bq_dataset"] = json!("{{dataset}}");
    operation["workflow"][0]["table_name"] = json!("{{FD_CONTEXT}}_rows");
    operation
}

fn problems(error: EngineError) -> String {
    let EngineError::Problems(problems) = error else { panic!("{error}") };
    problems.iter().map(|p| format!("{}: {}\n", p.path, p.message)).collect()
}

#[tokio::test]
async fn what_was_deployed_keeps_the_version_it_was_deployed_with() {
    let house = House::new().await;
    assert_eq!(house.deploy(base(3), &[]).await, "base");
    let deployed = house.deploy_with(operation("daily"), &[SQL], Some(NAME)).await.unwrap();
    assert_eq!(deployed.configuration_id, "000099_base_daily_DEV");
    let version = |version| Some(DeployedContext { id: NAME.into(), version });
    assert_eq!(deployed.context, version(1));

    // Redeployed: what is deployed already stays as it is.
    house.deploy(base(5), &[]).await;
    let details = house.run("000099_base_daily").await;
    assert_eq!((details.run.status.as_str(), details.context), ("SUCCESS", version(1)), "{:?}", details.run.error);
    assert_eq!(details.run.job_id.as_str(), "gbq-to-gbq|000099_base_daily_DEV");
    assert_eq!(house.value("SELECT COUNT(*) FROM d.base_rows").await, json!(3));

    let again = house.deploy_with(operation("daily"), &[SQL], Some("base")).await.unwrap();
    assert_eq!((again.version, again.context), (2, version(2)));
    house.run("000099_base_daily").await;
    assert_eq!(house.value("SELECT COUNT(*) FROM d.base_rows").await, json!(5));
    let wanted = table_to_table("000099_base_daily");
    assert_eq!(house.engine.configuration_status(&wanted).await.unwrap().context, version(2));
    let first = house.engine.configuration_document(&wanted, Some(1)).await.unwrap();
    assert_eq!((first.of.context, first.files), (version(1), vec!["rows.sql".to_owned()]));
    assert!(house.engine.configuration_document(&wanted, Some(3)).await.is_err());
}

#[tokio::test]
async fn a_context_is_shown_without_its_secrets() {
    let house = House::new().await;
    house.deploy(base(1), &[]).await;
    for id in ["base", NAME] {
        let document = house.engine.configuration_document(&reference("context", id), None).await.unwrap();
        let parameters = &document.configuration["parameters"];
        assert_eq!((&parameters["password"], &parameters["rows"]["value"]), (&json!("***"), &json!(1)));
    }
    let error = house.engine.launch(LaunchRequest { configuration: reference("context", "base"), ..launch("x") }).await;
    assert!(error.unwrap_err().to_string().contains("is not something that runs"));
}

#[tokio::test]
async fn workflows_speak_of_deployed_ids() {
    let house = House::new().await;
    house.deploy(base(1), &[]).await;
    for id in ["first", "second"] {
        house.deploy_with(operation(id), &[SQL], Some(NAME)).await.unwrap();
    }
    let chain = workflow(
        "chain",
        &["gbq-to-gbq|{{FD_ACCOUNT}}_{{FD_CONTEXT}}_first_{{FD_ENV}}"],
        "{{FD_ACCOUNT}}_{{FD_CONTEXT}}_second",
    );
    let deployed = house.deploy_with(chain, &[], Some(NAME)).await.unwrap();
    assert_eq!(deployed.configuration_id, "000099_base_chain");
    house.run("000099_base_first").await;
    let runs = house.runs_ended(table_to_table("000099_base_second"), 1).await;
    assert_eq!((runs[0].status.as_str(), &runs[0].trigger["type"]), ("SUCCESS", &json!("workflow")));
}

#[tokio::test]
async fn a_context_that_cannot_be_used_is_refused_by_name() {
    let house = House::new().await;
    let refused = async |operation: Value, context: &str, expect: &str| {
        let said = problems(house.deploy_with(operation, &[SQL], Some(context)).await.unwrap_err());
        assert!(said.contains(expect), "{said}");
    };
    refused(operation("daily"), NAME, "account 000099 has no context \"000099_base\"").await;
    house.deploy(base(1), &[]).await;
    refused(base(1), NAME, "a context takes no context").await;
    let mut foreign = operation("daily");
    foreign["account"] = json!("000111");
    refused(foreign, NAME, "account 000111 has no context").await;
    let mut told_by_it = operation("daily");
    told_by_it["account"] = json!("{{FD_ACCOUNT}}");
    refused(told_by_it.clone(), "base", "name the context with its account in front").await;
    house.deploy_with(told_by_it, &[SQL], Some(NAME)).await.unwrap();

    let by_hand = reference("context", NAME);
    house.engine.set_configuration_status(&by_hand, Some(false), None, &actor("test")).await.unwrap();
    refused(operation("daily"), NAME, "is disabled or archived").await;
    house.engine.set_configuration_status(&by_hand, Some(true), None, &actor("test")).await.unwrap();
    let mut other = base(2);
    other["environment"] = json!("PROD");
    house.deploy(other, &[]).await;
    let here = house.deploy_with(operation("daily"), &[SQL], Some(NAME)).await.unwrap();
    assert!(here.warnings.is_empty(), "{:?}", here.warnings);
    let mut elsewhere = operation("daily");
    elsewhere["environment"] = json!("STAGING");
    refused(elsewhere, NAME, "is deployed in DEV, PROD").await;
}

#[tokio::test]
async fn unknown_constants_refuse_the_deployment() {
    let house = House::new().await;
    house.deploy(base(1), &[]).await;
    let mut wrong = operation("daily");
    wrong["max_active_runs"] = json!("{{runs}}");
    let files = [("rows.sql", "SELECT\n {{password}}, {{nothing}}")];
    let said = problems(house.deploy_with(wrong, &files, Some(NAME)).await.unwrap_err());
    for expect in
        ["$.max_active_runs: unknown constant {{runs}}", "{{password}} is an object", "unknown constant {{nothing}}"]
    {
        assert!(said.contains(expect), "{said}");
    }
    assert!(house.engine.resolve(&table_to_table("000099_base_daily")).await.is_err());
    let without = problems(house.try_deploy(operation("daily"), &[SQL]).await.unwrap_err());
    assert!(without.contains("deploy with the context that gives its value"), "{without}");
}
