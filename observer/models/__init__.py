"""Models of the registry: users, elections, commissions, observers, assignments, devices."""

from observer.models.alert import Alert
from observer.models.call import Call
from observer.models.commission import Commission
from observer.models.consent import Consent
from observer.models.device import Device, EnrolmentCode
from observer.models.election import Contest, Election, Level
from observer.models.grant import Grant
from observer.models.observer import Assignment, Observer
from observer.models.organisation import Organisation
from observer.models.sign_in import RecoveryCode, SecondFactor, SignIn, WrongGuess
from observer.models.trail import Trail
from observer.models.user import User

__all__ = [
    "Alert",
    "Assignment",
    "Call",
    "Commission",
    "Consent",
    "Contest",
    "Device",
    "Election",
    "EnrolmentCode",
    "Grant",
    "Level",
    "Observer",
    "Organisation",
    "RecoveryCode",
    "SecondFactor",
    "SignIn",
    "Trail",
    "User",
    "WrongGuess",
]
