"""What the objects of a management information base mean: modules, labels, values.

A module names OIDs and says which metric each becomes and under which labels.  Modules are data in
the format of snmp_exporter's snmp.yml (0.23 and later), because that is what people already have;
`modules` reads them, `mapping` applies one to the result of a walk, `auto` chooses among them.

The other half are MIBs, for people who write names: `tree` finds and names objects by what `mibs/` and
users' folders define (`library`, `text_compiler`), `settings` checks by it what is to be SET.  Nothing here
talks to a device.
"""
