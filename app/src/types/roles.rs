//! Who may do what in an organization: the one table that the server enforces and
//! the guide prints.

use serde::{Deserialize, Serialize};

/// What a person is in an organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum Role {
    Owner,
    Admin,
    Billing,
    Member,
    #[default]
    Viewer,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Billing, Self::Member, Self::Viewer];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Billing => "billing",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Whether the table grants this.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        TABLE.iter().any(|row| row.permission == permission && row.roles.contains(&self))
    }
}

impl std::str::FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

/// One thing that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    UseModels,
    SeeMembers,
    SeeOwnActivity,
    SeeAllActivity,
    SeePrompts,
    ManageOwnKeys,
    ManageAllKeys,
    SeeBilling,
    ManageBilling,
    ManageWorkspaces,
    ManageMembers,
    ManageOrganization,
    SeeAudit,
    ManageOwners,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub permission: Permission,
    /// What it allows, as the guide says it and as a refusal ends.
    pub what: &'static str,
    pub roles: &'static [Role],
}

use Role::{Admin, Billing, Member, Owner, Viewer};

/// Who may do what. A management key has the rights of an admin, an inference key
/// only the first.
pub const TABLE: [Grant; 14] = [
    Grant { permission: Permission::UseModels, what: "use models and keep presets", roles: &[Owner, Admin, Member] },
    Grant {
        permission: Permission::SeeMembers,
        what: "see members and workspaces",
        roles: &[Owner, Admin, Billing, Member, Viewer],
    },
    Grant {
        permission: Permission::SeeOwnActivity,
        what: "see their own activity",
        roles: &[Owner, Admin, Billing, Member, Viewer],
    },
    Grant {
        permission: Permission::SeeAllActivity,
        what: "see everybody's activity",
        roles: &[Owner, Admin, Billing, Viewer],
    },
    Grant {
        permission: Permission::SeePrompts,
        what: "read prompts and answers that were kept",
        roles: &[Owner, Admin],
    },
    Grant {
        permission: Permission::ManageOwnKeys,
        what: "make and change their own keys",
        roles: &[Owner, Admin, Member],
    },
    Grant {
        permission: Permission::ManageAllKeys,
        what: "manage all keys, management keys included",
        roles: &[Owner, Admin],
    },
    Grant { permission: Permission::SeeBilling, what: "see the ledger and invoices", roles: &[Owner, Admin, Billing] },
    Grant { permission: Permission::ManageBilling, what: "buy credit", roles: &[Owner, Admin, Billing] },
    Grant {
        permission: Permission::ManageWorkspaces,
        what: "manage workspaces, budgets and defaults",
        roles: &[Owner, Admin],
    },
    Grant {
        permission: Permission::ManageMembers,
        what: "invite and remove people and change their roles",
        roles: &[Owner, Admin],
    },
    Grant {
        permission: Permission::ManageOrganization,
        what: "rename the organization and restrict its networks",
        roles: &[Owner, Admin],
    },
    Grant { permission: Permission::SeeAudit, what: "read the audit log", roles: &[Owner, Admin] },
    Grant {
        permission: Permission::ManageOwners,
        what: "make and remove owners and delete the organization",
        roles: &[Owner],
    },
];

/// What a permission allows, in words.
#[must_use]
pub fn what(permission: Permission) -> &'static str {
    TABLE.iter().find(|row| row.permission == permission).map_or("do this", |row| row.what)
}

/// The roles that have a permission, as a person reads them.
#[must_use]
pub fn holders(permission: Permission) -> String {
    let roles = TABLE.iter().find(|row| row.permission == permission).map_or(&[][..], |row| row.roles);
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_once_and_owners_have_all() {
        for row in &TABLE {
            assert!(row.roles.contains(&Role::Owner), "{}", row.what);
            assert_eq!(TABLE.iter().filter(|other| other.permission == row.permission).count(), 1, "{}", row.what);
        }
        assert!(!Role::Viewer.may(Permission::UseModels) && !Role::Billing.may(Permission::ManageOwnKeys));
        assert!(!Role::Admin.may(Permission::ManageOwners) && !Role::Member.may(Permission::SeeAllActivity));
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(()));
    }
}
