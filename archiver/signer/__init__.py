"""Private keys: who signs and who decrypts. The floors that read strangers' bytes see only the ports of `archiver.home.ports`.

local                   the signer of a home whose keys lie on this machine: implements the port
keyring, create_home    the keys that sign, with passphrase and rotation; and a new home's first ones
case_keys, copy_keys    the keys of cases, of copies, and of recovery; `age` opens age identities
package_keys, withheld  what packages are signed with, and what captures withhold
secrets, leaks          the private values of a home, and the search for them in a package
"""
