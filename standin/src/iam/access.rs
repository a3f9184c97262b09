use super::Policy;

const JOB_USER: &str = "roles/bigquery.jobUser";
const DATA_VIEWER: &str = "roles/bigquery.dataViewer";

impl Policy {
    /// Whether the principal may create jobs in the project.
    pub fn may_run_jobs(&self, principal: &str, project: &str) -> bool {
        holds(self.projects.get(project), JOB_USER, principal)
    }

    /// Whether the principal may read the dataset.
    pub fn may_read(&self, principal: &str, project: &str, dataset: &str) -> bool {
        holds(self.projects.get(project), DATA_VIEWER, principal)
            || holds(
                self.datasets.get(&format!("{project}.{dataset}")),
                DATA_VIEWER,
                principal,
            )
    }

    /// Whether the principal has any role in the project itself, and may therefore learn what does not exist in it.
    pub fn is_member(&self, principal: &str, project: &str) -> bool {
        [JOB_USER, DATA_VIEWER]
            .iter()
            .any(|role| holds(self.projects.get(project), role, principal))
    }

    /// Whether the principal may impersonate the service account.
    pub fn may_impersonate(&self, principal: &str, email: &str) -> bool {
        self.account(email).is_some_and(|account| {
            account
                .token_creators
                .iter()
                .any(|member| matches(member, principal))
        })
    }

    /// Whether the principal still exists; the tokens of a deleted one are refused.
    pub fn knows(&self, principal: &str) -> bool {
        if let Some(email) = principal.strip_prefix("serviceAccount:") {
            self.account(email).is_some()
        } else if let Some(email) = principal.strip_prefix("user:") {
            self.users.iter().any(|user| user.email == email)
        } else if let Some(name) = principal.strip_prefix("principal:") {
            self.workload_identity_providers
                .iter()
                .filter_map(|provider| provider.pool())
                .any(|pool| {
                    name.strip_prefix(pool)
                        .is_some_and(|rest| rest.starts_with("/subject/"))
                })
        } else {
            false
        }
    }

    /// Adds a user whose client (ID and secret) has this refresh token; only digests are stored.
    pub fn add_user(&mut self, email: &str, (client_id, client_secret): (&str, &str), refresh_token: &str) {
        let digest =
            |text: &str| hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
        self.users.push(super::User {
            email: email.to_owned(),
            client_id: client_id.to_owned(),
            client_secret_sha256: digest(client_secret),
            refresh_token_sha256: vec![digest(refresh_token)],
        });
    }

    /// Lets the member create jobs in the project.
    pub fn allow_jobs(&mut self, project: &str, member: &str) {
        grant(
            self.projects.entry(project.to_owned()).or_default(),
            JOB_USER,
            member,
        );
    }

    /// Lets the member read the dataset, `project.dataset`.
    pub fn allow_reading(&mut self, dataset: &str, member: &str) {
        grant(
            self.datasets.entry(dataset.to_owned()).or_default(),
            DATA_VIEWER,
            member,
        );
    }

    /// Removes every role from the member.
    pub fn deny(&mut self, member: &str) {
        let bindings = self.projects.values_mut().chain(self.datasets.values_mut());
        for members in bindings.flat_map(|bindings| bindings.values_mut()) {
            members.retain(|known| known != member);
        }
    }
}

impl super::WorkloadIdentityProvider {
    /// The pool's part of the audience, including its leading `//iam.googleapis.com/`.
    pub(crate) fn pool(&self) -> Option<&str> {
        self.audience.split_once("/providers/").map(|(pool, _)| pool)
    }
}

fn grant(bindings: &mut super::Bindings, role: &str, member: &str) {
    let members = bindings.entry(role.to_owned()).or_default();
    if !members.iter().any(|known| known == member) {
        members.push(member.to_owned());
    }
}

fn holds(bindings: Option<&super::Bindings>, role: &str, principal: &str) -> bool {
    bindings
        .and_then(|bindings| bindings.get(role))
        .is_some_and(|members| members.iter().any(|member| matches(member, principal)))
}

/// Whether an IAM member names the principal.
fn matches(member: &str, principal: &str) -> bool {
    if member == principal || member == "allAuthenticatedUsers" {
        return true;
    }
    let pool = member
        .strip_prefix("principalSet:")
        .and_then(|set| set.strip_suffix("/*"));
    match (pool, principal.strip_prefix("principal:")) {
        (Some(pool), Some(name)) => name
            .strip_prefix(pool)
            .is_some_and(|rest| rest.starts_with("/subject/")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pool_has_only_its_own_subjects() {
        let pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*";
        let of = |pool: &str| {
            format!(
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/{pool}/subject/s"
            )
        };
        assert!(matches(pool, &of("p")));
        assert!(!matches(pool, &of("pp")));
        assert!(!matches("user:a@b", "user:a@bc"));
    }
}
