var builder = WebApplication.CreateBuilder(args);
var cs = builder.Configuration.GetConnectionString("Orders") ?? "Host=localhost;Database=orders";
builder.Services.AddDbContext<OrdersContext>(o => o.UseNpgsql(cs));
