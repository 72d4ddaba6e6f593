"""What people say about what was captured, and what follows from it: functions of values, called by commands and tests alike.

annotations.py   notes, tags, places, quarantine: one signed event each
analysis.py      times, translations, sensitivity, reviews, marks of accounts, and their rules
incidents.py     incidents with their items, and what is concluded of them; fields.py: their attributes and claims
statements.py    what witnesses said, tied to incidents
positions.py     coordinates and zones that people type; time_range.py: when something was
retract.py       what is taken back, by a new event
cases.py         which captures belong to a case
custody.py       what was done with a capture or case, and to whom it went
redaction.py     copies in which something is covered or silenced; masked words
quarantine.py    looks at what is kept from view
diff.py          what two captures say differently; diff_page.py writes it as a page
history.py       one post as it was seen over time
"""
