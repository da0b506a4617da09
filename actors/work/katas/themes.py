"""What users of the product handle; each variant of a family is about another of these."""

from __future__ import annotations

from dataclasses import dataclass

_NOUNS = """
order orders, invoice invoices, ticket tickets, parcel parcels, booking bookings, ledger ledgers, sensor sensors,
meter meters, recipe recipes, tenant tenants, course courses, exam exams, flight flights, route routes, vehicle
vehicles, driver drivers, patient patients, visit visits, claim claims, policy policies, contract contracts, asset
assets, repair repairs, shift shifts, timesheet timesheets, payroll payrolls, donor donors, grant grants, ballot
ballots, survey surveys, article articles, comment comments, photo photos, playlist playlists, podcast podcasts,
event events, seat seats, voucher vouchers, coupon coupons, refund refunds, warehouse warehouses, pallet pallets,
supplier suppliers, quote quotes, lead leads, campaign campaigns, badge badges, license licenses, device devices,
alert alerts
"""


@dataclass(frozen=True, slots=True)
class Theme:
    """A thing, in singular and plural; both are words that may stand in a module name."""

    one: str
    many: str


THEMES = tuple(Theme(*pair.split()) for pair in _NOUNS.replace("\n", " ").split(", "))
